import { describeProxy } from "./every.ts";
import { LIGHTTPD } from "./kinds.ts";

describeProxy(LIGHTTPD);
