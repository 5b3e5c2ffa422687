/** Each listener has places of its own, and each of its peers may have a part of them (law 5). */

import { describe, expect, test } from "bun:test";
import { Connections } from "../../src/stream/connections.ts";
import { Crowd } from "../../src/stream/crowd.ts";
import { networkOf } from "../../src/stream/peer.ts";
import { processorMs } from "../support/processor.ts";

interface Client {
  readonly peer: string;
  readonly isBusy?: boolean;
}

function crowdOf(connections: Connections, isPrompt = false) {
  const gone: Client[] = [];
  let asked = 0;
  const crowd = new Crowd<Client>({
    places: connections.forListener(),
    isPrompt,
    peerOf({ peer }) {
      asked++;
      return peer;
    },
    isBusy: ({ isBusy }) => isBusy ?? false,
    cutOff: (client) => gone.push(client),
  });
  /** `count` clients of this peer ask for a place. Returns the clients that got one. */
  const come = (peer: string, count: number): Client[] =>
    Array.from({ length: count }, () => ({ peer })).filter((client) => crowd.admit(client));
  const holds = (peer: string) => [...crowd].filter((client) => client.peer === peer).length;
  return { crowd, gone, come, holds, asked: () => asked };
}

describe("law 5: places for connections", () => {
  test("a flood on one listener leaves the others their own", () => {
    const connections = new Connections({ max: 100 });
    const [flooded, other, third] = [crowdOf(connections), crowdOf(connections), crowdOf(connections)];
    for (let peer = 0; peer < 50; peer++) flooded.come(`uid=${peer}`, 50);
    expect(flooded.crowd.size).toBe(100 - 2 * 16);
    expect(other.come("uid=33", 100)).toHaveLength(16);
    expect(third.come("uid=33", 100)).toHaveLength(16);
    expect(other.gone).toEqual([]);
    for (const client of [...flooded.crowd]) flooded.crowd.remove(client);
    expect(other.come("uid=34", 200).length).toBeGreaterThan(30);
  });

  test("one peer leaves a quarter of the places to the others", () => {
    const { come, gone } = crowdOf(new Connections({ max: 100 }));
    expect(come("uid=65534", 1_000)).toHaveLength(75);
    expect(come("uid=33", 25)).toHaveLength(25);
    expect(gone).toEqual([]);
  });

  test("if no place is left, the peer with the most loses one to a newcomer, until both have as many", () => {
    const { come, holds, gone } = crowdOf(new Connections({ max: 100 }));
    come("uid=65534", 1_000);
    come("uid=65533", 1_000);
    expect(come("uid=33", 40).length).toBeGreaterThanOrEqual(33);
    expect(holds("uid=33")).toBeGreaterThanOrEqual(33);
    expect(gone.every(({ peer }) => peer !== "uid=33")).toBeTrue();
    expect(come("uid=33", 1_000)).toHaveLength(0);
  });

  test("a connection in the middle of a request is spared, if the peer has another", () => {
    const { crowd, come, gone } = crowdOf(new Connections({ max: 20 }));
    const busy = Array.from({ length: 5 }, () => ({ peer: "uid=65534", isBusy: true }));
    for (const client of busy) crowd.admit(client);
    come("uid=65534", 10);
    come("uid=33", 8);
    expect(gone).toHaveLength(3);
    expect(gone.some((client) => busy.includes(client as (typeof busy)[number]))).toBeFalse();
  });

  test("if clients ask at once, a newcomer takes the place of the oldest client of its own peer that has not asked", () => {
    const { crowd, come, holds, gone } = crowdOf(new Connections({ max: 20 }), true);
    const busy = { peer: "uid=33", isBusy: true };
    crowd.admit(busy);
    const [oldest] = come("uid=33", 14);
    expect(gone).toEqual([]);
    const newcomer = { peer: "uid=33" };
    expect(crowd.admit(newcomer)).toBeTrue();
    expect(gone).toEqual([oldest as Client]);
    expect(holds("uid=33")).toBe(15);
  });

  test("if clients ask at once, a newcomer never takes the place of a client in the middle of a request", () => {
    const { crowd, gone } = crowdOf(new Connections({ max: 20 }), true);
    for (let i = 0; i < 15; i++) crowd.admit({ peer: "uid=33", isBusy: true });
    expect(crowd.admit({ peer: "uid=33" })).toBeFalse();
    expect(gone).toEqual([]);
  });

  test("a newcomer costs little, however many peers there are", () => {
    const { crowd } = crowdOf(new Connections({ max: 30_000 }));
    for (let i = 0; i < 30_000; i++) crowd.admit({ peer: `10.${i}` });
    const beganMs = processorMs();
    for (let i = 0; i < 5_000; i++) expect(crowd.admit({ peer: `11.${i}` })).toBeFalse();
    expect(processorMs() - beganMs).toBeLessThan(250);
  });

  test("peers are not told apart while the listener is roomy, nor when it is roomy again", () => {
    const { crowd, come, asked } = crowdOf(new Connections({ max: 100 }));
    const clients = come("uid=33", 50);
    expect(asked()).toBe(0);
    clients.push(...come("uid=33", 10));
    expect(asked()).toBe(60);
    for (const client of clients.slice(0, 40)) crowd.remove(client);
    come("uid=33", 10);
    expect(asked()).toBe(60);
    expect(crowd.remove(clients[0] as Client)).toBeFalse();
  });
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:10.0.0.1", "10.0.0.1"],
  ["2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"],
  ["2001:db8::5", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::", "fe80:0:0:0::/64"],
])("the peer at %s is %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
