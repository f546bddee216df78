// Asks the browser for a passkey, or to make one, and sends its answer with the form.
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const problem = form.querySelector("[data-problem]");
  if (!window.PublicKeyCredential) {
    problem.textContent = form.dataset.missing;
    form.querySelector("button").disabled = true;
    return;
  }
  const toBytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), one => one.charCodeAt(0));
  const toText = bytes =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const described = (list = []) => list.map(one => ({ ...one, id: toBytes(one.id) }));
  const isNew = form.dataset.passkey === "create";

  const asked = () => {
    const options = JSON.parse(form.dataset.asked).publicKey;
    options.challenge = toBytes(options.challenge);
    if (isNew) {
      options.user.id = toBytes(options.user.id);
      options.excludeCredentials = described(options.excludeCredentials);
    } else {
      options.allowCredentials = described(options.allowCredentials);
    }
    return { publicKey: options };
  };
  const answer = made => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (made.response[name]) response[name] = toText(made.response[name]);
    return { id: made.id, rawId: toText(made.rawId), type: made.type, response };
  };

  form.addEventListener("submit", async event => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const made = await (isNew ? navigator.credentials.create(asked()) : navigator.credentials.get(asked()));
      form.elements.passkey.value = JSON.stringify(answer(made));
      form.submit();
    } catch {
      problem.textContent = form.dataset.failed;
    }
  });
})();
