// Does the small computation that keeps programs out (ALTCHA): finds the number whose SHA-256,
// behind the salt, is the challenge. It starts with the page and is over, as a rule, before
// the form is filled in; whoever is quicker waits for it after pressing the button.
const BATCH = 250;

async function solve({ challenge, salt, maxnumber }) {
  const encoder = new TextEncoder();
  const wanted = challenge.match(/../g).map((pair) => parseInt(pair, 16));
  const isIt = (buffer) => {
    const bytes = new Uint8Array(buffer);
    return wanted.every((byte, place) => byte === bytes[place]);
  };
  for (let start = 0; start <= maxnumber; start += BATCH) {
    const numbers = Array.from({ length: BATCH }, (_, place) => start + place);
    const hashes = await Promise.all(
      numbers.map((number) => crypto.subtle.digest("SHA-256", encoder.encode(salt + number))),
    );
    const place = hashes.findIndex(isIt);
    if (place >= 0) return numbers[place];
  }
  throw new Error("The challenge has no solution");
}

for (const field of document.querySelectorAll("[data-challenge]")) {
  const { form } = field;
  const challenge = JSON.parse(field.dataset.challenge);
  let isOver = false;
  const solving = solve(challenge).then((number) => {
    const { algorithm, salt, signature } = challenge;
    field.value = btoa(
      JSON.stringify({ algorithm, challenge: challenge.challenge, number, salt, signature }),
    );
  });
  // A browser that cannot compute (without TLS, none can) sends the form as it is, and is told.
  const over = solving.catch(() => {}).then(() => (isOver = true));
  form.addEventListener("submit", async (event) => {
    if (isOver) return;
    event.preventDefault();
    form.querySelector("[data-computing]").hidden = false;
    await over;
    form.requestSubmit(event.submitter);
  });
}
