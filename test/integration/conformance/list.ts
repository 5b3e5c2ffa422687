/** The integrations that the conformance suite puts to work, in the order of its table. A new one is a line here. */

import { apache } from "../proxies/apache.ts";
import { haproxyMap, haproxySpoe } from "../proxies/haproxy.ts";
import { nginxAsk } from "../proxies/nginx-ask.ts";
import { traefikAsk } from "../proxies/traefik.ts";
import type { Integration } from "./integration.ts";

export const INTEGRATIONS: readonly Integration[] = [nginxAsk, haproxyMap, haproxySpoe, traefikAsk, apache];
