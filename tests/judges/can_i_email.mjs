// Reads a mail's HTML, writes which of its features some mail program lacks, as JSON:
// {"feature": ["gmail.ios", …]}. Run it with the module's path as its argument.
const { caniemail } = await import(process.argv[2]);
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
// For word-wrap the module has no data on some programs, and stops; its new name is stricter.
const html = Buffer.concat(chunks).toString().replaceAll("word-wrap", "overflow-wrap");
const clients = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*"];
const lacking = {};
for (const [client, issues] of caniemail({ clients, html }).issues.errors)
  for (const { title } of issues) (lacking[title] ??= new Set()).add(client);
process.stdout.write(JSON.stringify(lacking, (_, value) => (value instanceof Set ? [...value].sort() : value)));
