import { describeProxy } from "./every.ts";
import { HAPROXY } from "./kinds.ts";

describeProxy(HAPROXY);
