// Sends a large file in pieces that fit into a request, each again if it fails. Without this script
// the form sends a small one as a whole.
(() => {
  const form = document.querySelector("form[data-begin]");
  if (!form) return;
  const bar = form.querySelector("progress");
  const said = form.querySelector("[role=status]");
  const token = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };

  const post = async (url, body, headers = {}, tries = 3) => {
    let answer;
    try {
      answer = await fetch(url, { method: "POST", body, headers: { ...token, ...headers } });
    } catch (error) {
      if (tries > 1) {
        await new Promise((done) => setTimeout(done, 1000));
        return post(url, body, headers, tries - 1);
      }
      throw error;
    }
    if (answer.ok) return answer.status === 204 ? {} : answer.json();
    const problem = await answer.json().then((one) => one.problem).catch(() => "");
    throw new Error(problem || form.dataset.failed);
  };

  const send = async (file) => {
    const about = { key: form.elements.key.value, name: file.name, size: file.size };
    const to = await post(form.dataset.begin, new URLSearchParams(about));
    const number = Math.ceil(file.size / to.piece);
    bar.hidden = false;
    for (let place = 0; place < number; place += 1) {
      const piece = file.slice(place * to.piece, (place + 1) * to.piece);
      await post(`${to.pieces}${place}/`, piece, { "Content-Type": "application/octet-stream" });
      bar.value = (place + 1) / number;
    }
    location = (await post(to.complete, "")).page;
  };

  form.addEventListener("submit", (event) => {
    const file = form.elements.file.files[0];
    if (!file) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    said.textContent = form.dataset.sending;
    send(file).catch((error) => {
      said.textContent = error instanceof TypeError ? form.dataset.failed : error.message;
      button.disabled = false;
      bar.hidden = true;
    });
  });
})();
