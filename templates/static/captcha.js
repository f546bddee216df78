// Does the small computation that keeps bots out (ALTCHA): finds the number that, appended to
// the salt, has the challenge as its SHA-256. It starts when the page loads and usually ends
// before the form is filled in. Otherwise the form waits for it after the button is pressed.
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
  // A browser without crypto.subtle (any browser without TLS) submits the form unsolved, and the
  // server says why it is refused.
  const over = solving.catch(() => {}).then(() => (isOver = true));
  form.addEventListener("submit", async (event) => {
    if (isOver) return;
    event.preventDefault();
    form.querySelector("[data-computing]").hidden = false;
    await over;
    form.requestSubmit(event.submitter);
  });
}
