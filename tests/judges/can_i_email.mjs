// Reads a mail's HTML and writes as JSON which of its features some mail programs lack:
// {"feature": ["gmail.ios", …]}. Its argument is the path of the module.
const { caniemail } = await import(process.argv[2]);
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
// The module stops at word-wrap, for which it lacks data. The newer name is judged more strictly.
const html = Buffer.concat(chunks).toString().replaceAll("word-wrap", "overflow-wrap");
const clients = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*"];
const lacking = {};
for (const [client, issues] of caniemail({ clients, html }).issues.errors)
  for (const { title } of issues) (lacking[title] ??= new Set()).add(client);
process.stdout.write(JSON.stringify(lacking, (_, value) => (value instanceof Set ? [...value].sort() : value)));
