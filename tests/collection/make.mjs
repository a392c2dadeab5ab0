// A Postman collection (v2.1) of the API's description, by Postman's own converter: node make.mjs OPENAPI COLLECTION [URL]
import { readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import converter from "openapi-to-postmanv2";

const [source, target, url = "http://127.0.0.1:8420"] = process.argv.slice(2);
const options = {
  folderStrategy: "Tags",
  // What need not be sent is there, and not sent until it is chosen.
  enableOptionalParameters: false,
};
const convert = promisify(converter.convert.bind(converter));
const made = await convert({ type: "string", data: readFileSync(source, "utf8") }, options);
if (!made.result) throw new Error(made.reason);
const collection = made.output[0].data;
// The description names no host, and each request asks for the key under this name.
collection.variable = [
  { key: "baseUrl", value: url },
  { key: "bearerToken", value: "", type: "secret" },
];
writeFileSync(target, JSON.stringify(collection));
