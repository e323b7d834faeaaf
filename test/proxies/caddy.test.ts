import { describeProxy } from "./checks.ts";
import { CADDY } from "./kinds.ts";
import { testService } from "./service.ts";

describeProxy(CADDY, testService);
