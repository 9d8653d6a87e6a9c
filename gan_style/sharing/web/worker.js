// Runs the networks, so that the page itself stays responsive. Nothing here leaves the origin.

const LEAST_SIDE = 32; // sizes of gan_style/sizes.py and gan_style/painting/plan.py
const CARRIED_SIDE = 512;
const LARGEST_SIDE = 2048;
const READING_SIDES = [192, 288, 512]; // 1024 is left out: reading is the slow part of a page
const LONGEST_RATIO = 4;

let ort;
let backend;
const sessions = new Map();

async function start(wanted) {
  const adapter = wanted === "wasm" ? null : await navigator.gpu?.requestAdapter();
  backend = adapter ? "webgpu" : "wasm";
  ort = await import(`./runtime/ort.${backend}.min.mjs`);
  ort.env.wasm.wasmPaths = new URL("runtime/", import.meta.url).href;
  // several threads need headers that few static hosts send (COOP and COEP)
  const threads = self.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  await session("model");
  return { backend, threads };
}

function session(name) {
  if (!sessions.has(name)) {
    const file = name === "model" ? "model.onnx" : `model.${name}.onnx`;
    const url = new URL(file, import.meta.url).href;
    const started = ort.InferenceSession.create(url, { executionProviders: [backend] });
    started.catch(() => sessions.delete(name)); // so that it can be tried again
    sessions.set(name, started);
  }
  return sessions.get(name);
}

async function run(name, inputs) {
  const network = await session(name);
  const outputs = await network.run(inputs);
  const [result] = Object.values(outputs);
  const { dims } = result;
  const data = await result.getData();
  result.dispose();
  return new ort.Tensor("float32", data, dims);
}

// ---- sizes

function withShortSide([height, width], side) {
  const short = Math.min(height, width);
  return [height, width].map((each) => Math.max(1, Math.round((each * side) / short)));
}

function plan(shortSide, largestReading) {
  const largest = Math.min(LARGEST_SIDE, Math.max(CARRIED_SIDE, largestReading));
  const side = Math.max(LEAST_SIDE, Math.min(shortSide, largest));
  const again = shortSide > 2 * side && 2 * side <= LARGEST_SIDE ? 2 * side : null;
  return { side, again };
}

function codeAt({ sides, codes }, side) {
  const above = sides.findIndex((each) => each > side);
  if (above === 0) return codes[0];
  if (above === -1) return codes[codes.length - 1];
  const [low, high] = [sides[above - 1], sides[above]];
  return lerp(codes[above - 1], codes[above], Math.log(side / low) / Math.log(high / low));
}

function lerp(one, other, share) {
  return Float32Array.from(one, (value, index) => value + share * (other[index] - value));
}

// ---- pictures

function pixels(bitmap, [height, width], from = [0, 0, bitmap.width, bitmap.height]) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // behind what is transparent
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, ...from, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const count = height * width;
  const values = new Float32Array(3 * count);
  for (let i = 0; i < count; i += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      values[channel * count + i] = data[4 * i + channel] / 255;
    }
  }
  return new ort.Tensor("float32", values, [1, 3, height, width]);
}

function picture({ data, dims: [, , height, width] }) {
  const count = height * width;
  const bytes = new Uint8ClampedArray(4 * count); // rounds and clamps
  for (let i = 0; i < count; i += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      bytes[4 * i + channel] = 255 * data[channel * count + i];
    }
    bytes[4 * i + 3] = 255;
  }
  return new ImageData(bytes, width, height);
}

// ---- painting, as gan_style.painting.painter does it

function vector(values) {
  return new ort.Tensor("float32", values, [1, values.length]);
}

function painted(photo, code, strength) {
  const share = new ort.Tensor("float32", [strength], [1]);
  return run("model", { photo, code: vector(code), strength: share });
}

async function paint({ bitmap, size, styles, share, strength }) {
  const own = [bitmap.height, bitmap.width];
  const sides = withShortSide(own, Math.max(LEAST_SIDE, Math.min(size, Math.min(...own))));
  const short = Math.min(...sides);
  const reading = Math.max(...styles.flatMap((style) => style.sides));
  const { side, again } = plan(short, reading);
  const codes = styles.map((style) => codeAt(style, side));
  const code = codes.length > 1 ? lerp(codes[0], codes[1], share) : codes[0];
  const photo = pixels(bitmap, withShortSide(sides, side));
  let small = photo;
  let result = await painted(photo, code, strength);
  if (again !== null) {
    small = pixels(bitmap, withShortSide(sides, again));
    const enlarged = await run("enlarge", { photo: small, small: photo, painted: result });
    const wanted = strength < 1 ? lerp(await read(photo), code, strength) : code;
    const over = await painted(enlarged, wanted, 1);
    result = new ort.Tensor("float32", lerp(enlarged.data, over.data, 0.5 * strength), over.dims);
  }
  if (short > Math.min(...small.dims.slice(2))) {
    result = await run("enlarge", { photo: pixels(bitmap, sides), small, painted: result });
  }
  return picture(result);
}

async function read(pictures) {
  return (await run("encoder", { pictures })).data;
}

// ---- a style from pictures, as gan_style.encoding reads it

async function learn({ bitmaps }) {
  const lengths = bitmaps.map(({ width, height }) => Math.min(width, height));
  const middle = [...lengths].sort((a, b) => a - b)[Math.floor(lengths.length / 2)];
  const sides = readingSides(middle);
  const sums = sides.map(() => null);
  for (const [number, bitmap] of bitmaps.entries()) {
    postMessage({ told: `Reading picture ${number + 1} of ${bitmaps.length}…` });
    const found = [];
    for (const side of readingSides(lengths[number])) {
      found.push(await read(cut(bitmap, side)));
    }
    for (let row = 0; row < sides.length; row += 1) {
      const code = found[Math.min(row, found.length - 1)];
      sums[row] = sums[row] ? sums[row].map((value, i) => value + code[i]) : Float32Array.from(code);
    }
  }
  return { sides, codes: sums.map((sum) => sum.map((value) => value / bitmaps.length)) };
}

function readingSides(length) {
  const most = Math.max(288, length, Math.min(CARRIED_SIDE, 2.25 * length));
  return READING_SIDES.filter((side) => side <= most);
}

function cut(bitmap, side) {
  const short = Math.min(bitmap.width, bitmap.height);
  const width = Math.min(bitmap.width, LONGEST_RATIO * short);
  const height = Math.min(bitmap.height, LONGEST_RATIO * short);
  const from = [(bitmap.width - width) / 2, (bitmap.height - height) / 2, width, height];
  return pixels(bitmap, withShortSide([height, width], side), from);
}

const tasks = { start: ({ wanted }) => start(wanted), paint, learn };

self.addEventListener("message", async ({ data: { id, task, given } }) => {
  try {
    postMessage({ id, result: await tasks[task](given) });
  } catch (error) {
    postMessage({ id, error: error.message ?? String(error) });
  }
});
