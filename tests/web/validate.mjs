// validate.mjs FILE...: checks OpenAPI documents with two validators.
import fs from "node:fs";
import SwaggerParser from "@apidevtools/swagger-parser";
import { Validator } from "@seriousme/openapi-schema-validator";

for (const file of process.argv.slice(2)) {
  const text = fs.readFileSync(file, "utf8");
  const validator = new Validator();
  const result = await validator.validate(JSON.parse(text));
  if (!result.valid || validator.version !== "3.1") {
    console.log(file, validator.version, JSON.stringify(result.errors, null, 1));
    process.exitCode = 1;
  }
  try {
    await SwaggerParser.validate(JSON.parse(text));
  } catch (error) {
    console.log(file, String(error));
    process.exitCode = 1;
  }
}
