// The page: what is chosen, and what is shown. The networks run in worker.js.

const element = (id) => document.getElementById(id);
const canvas = element("canvas");
const state = { photo: null, name: "", painting: null, address: null, styles: [], busy: true };

// ---- the worker

const worker = new Worker("worker.js", { type: "module" });
const waiting = new Map();
let asked = 0;

worker.addEventListener("message", ({ data }) => {
  if (data.told) {
    say(data.told);
    return;
  }
  const { resolve, reject } = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.error === undefined) resolve(data.result);
  else reject(new Error(data.error));
});
worker.addEventListener("error", (event) => say(event.message || "The worker did not start", true));

function ask(task, given) {
  return new Promise((resolve, reject) => {
    asked += 1;
    waiting.set(asked, { resolve, reject });
    worker.postMessage({ id: asked, task, given });
  });
}

// ---- what the page says and shows

function say(text, failed = false) {
  element("status").textContent = text;
  element("status").classList.toggle("failed", failed);
}

function busy(is) {
  state.busy = is;
  element("progress").hidden = !is;
  element("examples").disabled = is;
  element("paint").disabled = is || !state.photo || !chosen();
}

function show(picture, label) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d");
  if (picture instanceof ImageData) context.putImageData(picture, 0, 0);
  else context.drawImage(picture, 0, 0);
  canvas.setAttribute("aria-label", label);
}

async function guarded(work) {
  busy(true);
  try {
    await work();
  } catch (error) {
    say(`It did not work: ${error.message}`, true);
  } finally {
    busy(false);
  }
}

// ---- the photo

async function take(file) {
  try {
    state.photo = await createImageBitmap(file); // turned as its EXIF says
  } catch {
    say(`${file.name || "This"} is not a picture that the browser can read.`, true);
    return;
  }
  state.name = (file.name || "photo").replace(/\.[^.]*$/, "");
  state.painting = null;
  const { width, height } = state.photo;
  element("photo-name").textContent = `${file.name || "Pasted photo"}, ${width} x ${height}`;
  element("caption").textContent = "The photo. Press Paint.";
  element("download").hidden = true;
  element("compare").hidden = true;
  show(state.photo, "The photo");
  busy(state.busy);
}

element("photo").addEventListener("change", ({ target }) => target.files[0] && take(target.files[0]));

function pictureOf(transfer) {
  return [...transfer.files].find((file) => file.type.startsWith("image/"));
}

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", kind === "dragover");
    const file = kind === "drop" && pictureOf(event.dataTransfer);
    if (file) take(file);
  });
}
document.addEventListener("paste", (event) => {
  const file = pictureOf(event.clipboardData);
  if (file) take(file);
});

// ---- the styles

function floats(packed, width) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  return Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width),
  );
}

function addStyle(style) {
  const index = state.styles.push(style) - 1;
  const label = document.createElement("label");
  const radio = document.createElement("input");
  Object.assign(radio, { type: "radio", name: "style", value: String(index) });
  radio.addEventListener("change", () => busy(state.busy));
  label.append(radio);
  if (style.thumbnail) {
    const image = document.createElement("img");
    Object.assign(image, { src: style.thumbnail, alt: "", width: 128, height: 128 });
    label.append(image);
  }
  const name = document.createElement("span");
  name.textContent = style.name;
  label.append(name);
  element("styles").append(label);
  element("other").append(new Option(style.name, String(index)));
  return radio;
}

function chosen() {
  return document.querySelector("input[name=style]:checked");
}

element("examples").addEventListener("change", ({ target }) =>
  guarded(async () => {
    const files = [...target.files];
    const read = await Promise.allSettled(files.map((file) => createImageBitmap(file)));
    const bitmaps = read.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    if (!bitmaps.length) throw new Error("none of these files is a picture");
    const began = performance.now();
    const code = await ask("learn", { bitmaps });
    const number = state.styles.filter((style) => style.own).length + 1;
    const name = `my style ${number}`;
    const thumbnail = URL.createObjectURL(files[read.findIndex((each) => each.value)]);
    const radio = addStyle({ name, own: true, thumbnail, ...code });
    radio.checked = true;
    radio.scrollIntoView({ block: "nearest" });
    const left = files.length - bitmaps.length;
    const missing = left ? `; ${left} could not be read` : "";
    say(`${name}: read from ${bitmaps.length} pictures in ${seconds(began)}${missing}.`);
  }),
);

// ---- options

for (const range of document.querySelectorAll("input[type=range]")) {
  range.addEventListener("input", () => {
    range.nextElementSibling.textContent = `${range.value}%`;
  });
}
element("other").addEventListener("change", ({ target }) => {
  element("share").disabled = target.value === "";
});

// ---- painting

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

element("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state.busy || !state.photo || !chosen()) return;
  const other = element("other").value;
  const styles = [chosen().value, ...(other === "" ? [] : [other])].map((i) => state.styles[i]);
  guarded(async () => {
    say("Painting…");
    const began = performance.now();
    const picture = await ask("paint", {
      bitmap: state.photo,
      size: Number(element("size").value),
      styles: styles.map(({ sides, codes }) => ({ sides, codes })),
      share: Number(element("share").value) / 100,
      strength: Number(element("strength").value) / 100,
    });
    const names = styles.map((style) => style.name).join(" + ");
    const said = `${picture.width} x ${picture.height} px in ${seconds(began)}, ${state.backend}`;
    state.painting = { picture, label: `The photo painted: ${names}` };
    show(picture, state.painting.label);
    element("caption").textContent = `${names}: ${said}.`;
    say("Done.");
    await offer(names);
  });
});

async function offer(names) {
  const blob = await new Promise((resolve) => {
    canvas.toBlob(resolve, "image/png");
  });
  if (state.address) URL.revokeObjectURL(state.address);
  state.address = URL.createObjectURL(blob);
  const file = `${state.name}-${names}.png`.replace(/[^\w.-]+/g, "-");
  Object.assign(element("download"), { href: state.address, download: file, hidden: false });
  Object.assign(element("compare"), { hidden: false, textContent: "Show the photo" });
  element("compare").setAttribute("aria-pressed", "false");
}

element("compare").addEventListener("click", ({ target }) => {
  const pressed = target.getAttribute("aria-pressed") !== "true";
  target.setAttribute("aria-pressed", String(pressed));
  target.textContent = pressed ? "Show the painting" : "Show the photo";
  if (pressed) show(state.photo, "The photo");
  else show(state.painting.picture, state.painting.label);
});

// ---- the beginning

async function begin() {
  const catalog = await (await fetch("styles.json")).json();
  for (const { codes, ...style } of catalog.styles) {
    addStyle({ ...style, codes: floats(codes, catalog.code_dim) });
  }
  const first = document.querySelector("input[name=style]");
  if (first) first.checked = true;
  const wanted = new URLSearchParams(location.search).get("backend");
  const { backend, threads } = await ask("start", { wanted });
  const cores = threads === 1 ? "one thread" : `${threads} threads`;
  state.backend = backend === "webgpu" ? "WebGPU" : `WebAssembly, ${cores}`;
  element("backend").textContent = `Runs on ${state.backend}. Model ${catalog.model}.`;
  say("Ready.");
}

guarded(begin);
