import { describeProxy } from "./every.ts";
import { CADDY } from "./kinds.ts";
import { testService } from "./service.ts";

describeProxy(CADDY, testService);
