/** Addresses of databases. */

import { describe, expect, test } from "bun:test";
import { ownUserName } from "../../../src/files/user-name.ts";
import { openStore } from "../../../src/stores/list.ts";
import {
  type MariadbAddress,
  parseMariadbAddress,
  passwordOf,
  userOf,
} from "../../../src/stores/mariadb/address.ts";
import { mariadb as kind } from "../../../src/stores/mariadb.ts";

describe("addresses", () => {
  test("what is wrong with one is said with its remedy, and never with its secret", () => {
    for (const [location, remedy] of [
      ["", "mariadb://USER:PASSWORD@HOST/DATABASE"],
      ["//db.internal", "name the database"],
      ["//db.internal/", "name the database"],
      ["///website", "?socket=/run/mysqld/mysqld.sock"],
      ["///website?socket=mysqld.sock", "begins with /"],
      ["//one,two/website", "name one host"],
      ["//ada:pa/ss@db.internal/website", "%2F for /"],
      ["//ada:12/hunter@db.internal", "/ as %2F"],
      ["//ada:hunter%2@db.internal/website", "%25"],
      ["//db.internal/website?ssl-mode=preferred", "disabled, required, verify_ca, verify_identity"],
      ["///website?socket=/run/x&ssl-mode=required", "leave ssl-mode out"],
      ["//db.internal/website?password=hunter2", "ssl-mode"],
      ["/website", "mariadb://"],
    ] as const) {
      const problem = kind.check(location) ?? "nothing is wrong";
      expect([location, problem]).toEqual([location, expect.stringContaining(remedy)]);
      expect(problem).not.toMatch(/hunter|pa\/ss/);
    }
    for (const location of [
      "//db.internal/website",
      "//ada:p%40ss@[::1]:3307/website?ssl-mode=DISABLED",
      "///website?socket=/run/mysqld/mysqld.sock",
      "//db.internal/website?ssl-mode=verify_identity&ssl-ca=/etc/ca.pem",
    ]) {
      expect(kind.check(location)).toBeUndefined();
    }
  });

  test("shown are host and database, and no user, in the scheme in which it was written", async () => {
    const shown = async (address: string) => {
      const store = await openStore(address, { table: "", region: "", environment: {}, warn() {} });
      await store.close();
      return store.address;
    };
    expect(await shown("mariadb://ada:hunter2@db.internal:3307/website?ssl-key=/k")).toBe(
      "mariadb://db.internal:3307/website",
    );
    expect(await shown("mysql://ada@[::1]/website")).toBe("mysql://[::1]/website");
    expect(await shown("mariadb:///website?socket=/run/x")).toBe("mariadb:///website?socket=/run/x");
  });

  test("the network is trusted on this machine only", () => {
    const modeOf = (location: string) => (parseMariadbAddress("mariadb", location) as MariadbAddress).sslMode;
    for (const host of ["localhost", "127.0.0.1", "[::1]"]) expect(modeOf(`//${host}/x`)).toBe("disable");
    expect(modeOf("///x?socket=/run/s")).toBe("disable");
    for (const host of ["db.internal", "10.0.0.1", "localhost.example"])
      expect(modeOf(`//${host}/x`)).toBe("verify-full");
  });

  test("the address comes before the environment", () => {
    const of = (location: string) => parseMariadbAddress("mariadb", location) as MariadbAddress;
    const environment = { MYSQL_PWD: "secret" };
    expect(passwordOf(of("//bob:key@db/x"), environment)).toBe("key");
    expect(passwordOf(of("//bob@db/x"), environment)).toBe("secret");
    expect(passwordOf(of("//bob@db/x"), {})).toBe("");
    expect([userOf(of("//bob@db/x")), userOf(of("//db/x"))]).toEqual(["bob", ownUserName()]);
  });
});
