import { headersFor, openSession } from "./session.mjs";

// Usage: node headers.mjs METHOD URL
// Prints the headers that authorise one request, as curl reads them with `-H @-`.
const [method, url] = process.argv.slice(2);
const headers = await headersFor(await openSession(), method, url);
for (const [name, value] of Object.entries(headers)) console.log(`${name}: ${value}`);
