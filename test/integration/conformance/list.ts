/**
 * The integrations that the conformance suite puts to work, in the order of its table. A new one is a line
 * here.
 */

import { apache } from "../proxies/apache.ts";
import { caddy } from "../proxies/caddy.ts";
import { envoyAsk } from "../proxies/envoy.ts";
import { haproxyMap, haproxySpoe } from "../proxies/haproxy.ts";
import { nginxAsk, nginxAuthRequest, nginxLease } from "../proxies/nginx.ts";
import { express, fastify, hono } from "../proxies/node.ts";
import { traefikAsk, traefikSlices } from "../proxies/traefik.ts";
import type { Integration } from "./integration.ts";

export const INTEGRATIONS: readonly Integration[] = [
  nginxLease,
  nginxAsk,
  nginxAuthRequest,
  haproxyMap,
  haproxySpoe,
  envoyAsk,
  caddy,
  apache,
  traefikAsk,
  traefikSlices,
  express,
  fastify,
  hono,
];
