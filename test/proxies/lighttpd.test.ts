import { describeProxy } from "./checks.ts";
import { LIGHTTPD } from "./kinds.ts";

describeProxy(LIGHTTPD);
