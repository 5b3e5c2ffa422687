import { expect, test } from "bun:test";
import { redactAddress } from "../../src/text/redact.ts";

test.each([
  ["redis://user:password@host:1/0", "redis://***@host:1/0"],
  ["redis://:p@ss/w@host", "redis://***@host"],
  ["nats://token@host", "nats://***@host"],
  ["postgres://h/db?user=a&password=b&x=1", "postgres://h/db?user=***&password=***&x=***"],
  ["https://h/?access_token=b", "https://h/?access_token=***"],
  [
    "https://b.s3.amazonaws.com/r.json?X-Amz-Credential=a&X-Amz-Date=1&X-Amz-Security-Token=b&X-Amz-Signature=c",
    "https://b.s3.amazonaws.com/r.json?X-Amz-Credential=***&X-Amz-Date=***&X-Amz-Security-Token=***&X-Amz-Signature=***",
  ],
  [
    "https://a.blob.core.windows.net/r.json?sv=1&sig=b",
    "https://a.blob.core.windows.net/r.json?sv=***&sig=***",
  ],
  ["https://forge/r.json?private_token=a&ref=main", "https://forge/r.json?private_token=***&ref=***"],
  [
    "https://h/r?api_key=a&apikey=b&accesstoken=c&authToken=d&sessiontoken=e&jwt=f&AWSAccessKeyId=g",
    "https://h/r?api_key=***&apikey=***&accesstoken=***&authToken=***&sessiontoken=***&jwt=***&AWSAccessKeyId=***",
  ],
  ["https://h/r?s3cret", "https://h/r?***"],
  ["https://h/r?a=b=s3cret&&c=;d=e#f", "https://h/r?a=***&&c=;d=***#f"],
  ["https://h/r?a=s3cret?b=s3cret", "https://h/r?a=***"],
  ["https://u:p@h/r?a=s3cret@b", "https://***@b"],
  ["postgres://h/db?sslmode=require&sslrootcert=/a", "postgres://h/db?sslmode=require&sslrootcert=/a"],
  ["mysql://h/db?ssl-mode=required&ssl-ca=/a&key=s", "mysql://h/db?ssl-mode=required&ssl-ca=/a&key=***"],
  ["https://h/r.json?cert=s&host=s", "https://h/r.json?cert=***&host=***"],
  ["Endpoint=x;AccountKey=s", "Endpoint=x;AccountKey=***"],
  ["etcds://h/p?cacert=/a&cert=/b&key=/c", "etcds://h/p?cacert=/a&cert=/b&key=***"],
  ["natss://t0ken@h/b?cacert=/a&creds=/c", "natss://***@h/b?cacert=/a&creds=***"],
  ["Endpoint=sb://h;key=s3cret", "Endpoint=sb://h;key=***"],
  ["what is this?", "what is this?"],
  ["http://host/path@x", "http://host/path@x"],
  ["file:rollouts.json", "file:rollouts.json"],
  ["dynamodb://us-east-1/T", "dynamodb://us-east-1/T"],
  ["ada@example.org", "ada@example.org"],
])("%s is shown as %s", (address, shown) => {
  expect(redactAddress(address)).toBe(shown);
});
