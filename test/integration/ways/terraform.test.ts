/**
 * The Terraform example. Terraform itself reads it. Then the test makes the file's tables, record and rights
 * in DynamoDB Local. Daemons and an operator do a release with these rights alone.
 *
 * The file has Terraform's own format, so each value stands at a place that is easy to find.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  PutItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import {
  type DynamodbLocal,
  dynamodbMissing,
  sdkEnvironment,
  startDynamodbLocal,
} from "../../support/dynamodb-local.ts";
import { type GuardedDynamodb, guardDynamodb, type Statement } from "../../support/dynamodb-rights.ts";
import { fileOf, INTEGRATIONS, World } from "./world.ts";

const FILE = fileOf("terraform/main.tf");
const TABLES = { records: "MaxwellsDaemon", evidence: "MaxwellsDaemon.evidence" } as const;

const hasTerraform = Bun.which("terraform") !== null;
if (!hasTerraform && process.env["CI"]) throw new Error("Terraform is not installed");

test.skipIf(!hasTerraform)("Terraform reads the file, and would not format it otherwise", () => {
  const command = ["terraform", "fmt", "-check", "-diff", join(INTEGRATIONS, "terraform")];
  const ran = Bun.spawnSync(command, {
    env: { ...process.env, CHECKPOINT_DISABLE: "1", TF_CLI_CONFIG_FILE: "/dev/null" },
  });
  expect([ran.exitCode, String(ran.stdout), String(ran.stderr)]).toEqual([0, "", ""]);
});

test.skipIf(!hasTerraform)("the address of the store names the region of the table", () => {
  const [, expression = ""] = /^output "store" \{[\s\S]*?^ +value = (.*)$/m.exec(FILE) ?? [];
  const evaluated = expression
    .replaceAll(
      "aws_dynamodb_table.records.arn",
      '"arn:aws:dynamodb:eu-west-1:111122223333:table/MaxwellsDaemon"',
    )
    .replaceAll("aws_dynamodb_table.records.name", '"MaxwellsDaemon"');
  const ran = Bun.spawnSync(["terraform", "console"], {
    cwd: tmpdir(),
    env: { ...process.env, CHECKPOINT_DISABLE: "1", TF_CLI_CONFIG_FILE: "/dev/null" },
    stdin: Buffer.from(`${evaluated}\n`),
  });
  expect([String(ran.stdout), String(ran.stderr)]).toEqual(['"dynamodb://eu-west-1/MaxwellsDaemon"\n', ""]);
});

/** The lines of a block, such as `resource "aws_dynamodb_table" "records"`. */
function block(kind: string, type: string, name: string): string {
  const [, text] = new RegExp(`^${kind} "${type}" "${name}" \\{\\n([\\s\\S]*?)^\\}$`, "m").exec(FILE) ?? [];
  if (text === undefined) throw new Error(`the file has no ${kind} ${type} ${name}`);
  return text;
}

/** The value of a line `NAME = "VALUE"`. */
function value(text: string, name: string): string {
  const [, found] = new RegExp(`^ +${name} += "(.*)"$`, "m").exec(text) ?? [];
  return found?.replace(/\$\{aws_dynamodb_table\.records\.name\}/, TABLES.records) ?? `no ${name}`;
}

function tableOf(name: keyof typeof TABLES) {
  const text = block("resource", "aws_dynamodb_table", name);
  const attributes = [...text.matchAll(/attribute \{\n +name = "(\w+)"\n +type = "S"\n +\}/g)];
  const ttl = /ttl \{\n([\s\S]*?)\}/.exec(text)?.[1];
  return {
    name: value(text, "name"),
    keys: [value(text, "hash_key"), value(text, "range_key")],
    attributes: attributes.map(([, attribute = ""]) => attribute),
    billing: value(text, "billing_mode"),
    expires: ttl !== undefined && /enabled += true/.test(ttl) ? value(ttl, "attribute_name") : undefined,
  };
}

function rightsOf(document: string): Statement[] {
  const text = block("data", "aws_iam_policy_document", document);
  const statements = /statement \{\n +actions += \[(.*)\]\n +resources = \[aws_dynamodb_table\.(\w+)\.arn\]/g;
  return [...text.matchAll(statements)].map(([, actions = "", table = ""]) => ({
    Action: [...actions.matchAll(/"([\w:]+)"/g)].map(([, action = ""]) => action),
    Resource: `:table/${TABLES[table as keyof typeof TABLES]}`,
  }));
}

const isMissing = dynamodbMissing() !== undefined;

describe.skipIf(isMissing)("the tables, the record and the rights of the file", () => {
  let engine: DynamodbLocal;
  let guard: GuardedDynamodb;
  let world: World;
  const daemons: DaemonProcess[] = [];
  const homes: DaemonHome[] = [];

  beforeAll(async () => {
    engine = await startDynamodbLocal();
    guard = guardDynamodb(engine.endpoint);
    for (const role of ["follows", "leads", "operates"]) guard.roles.set(role, rightsOf(role));
    world = new World();
    const client = engine.client();
    for (const each of ["records", "evidence"] as const) {
      const { name, keys, attributes, billing, expires } = tableOf(each);
      const [hash, range] = keys;
      await client.send(
        new CreateTableCommand({
          TableName: name,
          BillingMode: billing as "PAY_PER_REQUEST",
          AttributeDefinitions: attributes.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
          KeySchema: [
            { AttributeName: hash, KeyType: "HASH" },
            { AttributeName: range, KeyType: "RANGE" },
          ],
        }),
      );
      if (expires === undefined) continue;
      const TimeToLiveSpecification = { AttributeName: expires, Enabled: true };
      await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification }));
    }
    const item = block("resource", "aws_dynamodb_table_item", "canary");
    const fields = [...item.matchAll(/^ +(\w+) += \{ ([SN]) = "(.*)" \}$/gm)];
    const Item = Object.fromEntries(fields.map(([, name, type = "", text]) => [name, { [type]: text }]));
    await client.send(new PutItemCommand({ TableName: TABLES.records, Item: Item as never }));
    client.destroy();
  }, 60_000);

  afterAll(async () => {
    for (const daemon of daemons) await daemon.end("SIGKILL");
    for (const home of homes) home.remove();
    await guard?.stop();
    await engine?.stop();
    world?.remove();
  });

  const environment = (role: string) => ({ ...sdkEnvironment(guard.endpoint), AWS_ACCESS_KEY_ID: role });
  const operator = (...words: string[]) =>
    world.run(["maxwells-daemon", ...words], {
      ...world.environment,
      ...environment("operates"),
      MAXWELLS_DAEMON_STORE: `dynamodb:///${TABLES.records}`,
    });

  test("the tables are those of init-store", async () => {
    const address = "dynamodb:///Other";
    const made = await world.run(["maxwells-daemon", "init-store", "-store", address], {
      ...engine.environment,
      ...{ MAXWELLS_DAEMON_CONFIG: "none" },
    });
    expect(made).toMatchObject({ status: 0 });
    const client = engine.client();
    const schema = async (TableName: string) => {
      const { Table: table } = await client.send(new DescribeTableCommand({ TableName }));
      const { TimeToLiveDescription: ttl } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
      return {
        keys: table?.KeySchema,
        attributes: table?.AttributeDefinitions?.toSorted((a, b) =>
          `${a.AttributeName}`.localeCompare(`${b.AttributeName}`),
        ),
        billing: table?.BillingModeSummary?.BillingMode,
        expires: ttl?.AttributeName,
      };
    };
    expect(await schema(TABLES.records)).toEqual(await schema("Other"));
    expect(await schema(TABLES.evidence)).toEqual(await schema("Other.evidence"));
    client.destroy();
  }, 30_000);

  test("daemons and an operator do a release with the file's rights, and nothing is refused", async () => {
    for (const role of ["follows", "leads"]) {
      const flags = role === "leads" ? ["-releases", "on"] : [];
      const store = `dynamodb:///${TABLES.records}`;
      const home = new DaemonHome({ store, env: environment(role), flags });
      homes.push(home);
      daemons.push(await home.start());
    }
    const followed = (rollout: number) =>
      Promise.all(daemons.map((daemon) => daemon.follows("canary", rollout)));
    await followed(0);
    const config = join(world.directory, "plan.toml");
    writeFileSync(config, '[plans.short]\nsteps = ["1%:1s", "50%:1h", "100%:1d"]\noffset = "random"\n');
    expect(await operator("release", "canary", "short", "-of", "v42", "-config", config)).toMatchObject({
      status: 0,
    });
    await followed(0.5);
    expect(await operator("abort", "-m", "INC-42")).toMatchObject({ status: 0 });
    await followed(0);
    expect(await operator("remove", "canary")).toMatchObject({ status: 0 });
    expect([...guard.refused]).toEqual([]);
    for (const used of ["leads UpdateItem", "leads PutItem", "operates DeleteItem", "follows Query"]) {
      expect([...guard.used]).toContain(used);
    }
  }, 60_000);

  test("Terraform leaves the record alone after its first apply, and does not remove the table", () => {
    expect(block("resource", "aws_dynamodb_table_item", "canary")).toContain("ignore_changes = [item]");
    expect(block("resource", "aws_dynamodb_table", "records")).toContain("prevent_destroy = true");
  });
});
