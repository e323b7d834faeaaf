// What runs in every page, as one script with htmx. Each module is started once, in the order below. Everything is an
// extra: each page works without it.

import { startChanges } from "./changes.ts";
import { startComforts } from "./comforts.ts";
import { startComposer } from "./composer.ts";
import { startDrafts } from "./drafts.ts";
import { startGroups } from "./groups.ts";
import { startKeys } from "./keys.ts";
import { startLab } from "./lab.ts";
import { startLive } from "./live.ts";
import { startNotifications } from "./notifications.ts";
import { startPasskeys } from "./passkeys.ts";
import { startRequests } from "./requests.ts";
import { startTimes } from "./times.ts";
import { startTokens } from "./tokens.ts";

startTokens();
startRequests();
startComforts();
startPasskeys();
startKeys();
startTimes();
startDrafts();
startComposer();
startGroups();
startChanges();
startLive();
startNotifications();
startLab();
