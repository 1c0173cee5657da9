// The page "Try it": read the form, calculate in Python, and show the answer as text.
// Everything is loaded from the folder of this script; no other server is asked.

const folder = new URL(".", document.currentScript.src);
const form = document.getElementById("try-it-form");
const statusLine = document.getElementById("try-it-status");
const errorBox = document.getElementById("try-it-error");
const answerBox = document.getElementById("try-it-answer");
const calculateButton = form.querySelector("[type=submit]");

const MODULES = ["drawing.py", "try_it_form.py", "try_it_picture.py", "try_it.py"];

const EXAMPLE_CALLS = `start,seconds,id
2026-01-05 09:58:10,420,a-1
2026-01-05 10:02:00,1500,a-2
2026-01-05 10:04:30,240,a-3
2026-01-05 10:05:00,900,a-4
2026-01-05 10:20:00,60,a-5
2026-01-05 14:00:00,1200,a-6
2026-01-06 10:10:00,1800,a-7
2026-01-06 10:15:00,600,a-8
`;

let library = null;

function showStatus(text) {
  statusLine.textContent = text;
}

function addElement(parent, tag, text = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  return parent.appendChild(element);
}

async function fetchFile(path) {
  const response = await fetch(new URL(path, folder));
  if (!response.ok) throw new Error(`${path} cannot be loaded (${response.status})`);
  return response;
}

function loadScript(path) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(path, folder);
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${path} cannot be loaded`));
    document.head.append(script);
  });
}

// Return the function that answers a form, as JSON text.
async function loadLibrary() {
  showStatus("Loading Python ... (1 of 3)");
  await loadScript("runtime/pyodide/pyodide.js");
  const python = await loadPyodide({ indexURL: new URL("runtime/pyodide/", folder).href });
  showStatus("Loading the library ... (2 of 3)");
  const wheels = await (await fetchFile("runtime/wheels.json")).json();
  const addresses = wheels.map((wheel) => new URL(`runtime/wheels/${wheel}`, folder).href);
  await python.loadPackage(addresses, { messageCallback: () => {} });
  for (const name of MODULES) {
    python.FS.writeFile(name, await (await fetchFile(name)).text());
  }
  showStatus("Starting the library ... (3 of 3)");
  return python.pyimport("try_it").answer_as_json;
}

// Load the library once; after a failure, the next calculation tries again.
function getLibrary() {
  library ??= loadLibrary().catch((error) => {
    library = null;
    throw error;
  });
  return library;
}

function addTable(parent, sheet) {
  const wrapper = addElement(parent, "div");
  wrapper.className = "table-wrapper container";
  const table = addElement(wrapper, "table");
  table.className = "docutils";
  addElement(table, "caption", sheet.title);
  const headings = addElement(addElement(table, "thead"), "tr");
  for (const heading of sheet.headings) addElement(headings, "th", heading).scope = "col";
  const body = addElement(table, "tbody");
  for (const cells of sheet.rows) {
    const row = addElement(body, "tr");
    for (const cell of cells) addElement(row, "td", cell);
  }
}

function showAnswer(answer) {
  answerBox.replaceChildren();
  addElement(answerBox, "p", answer.plan).className = "plan";
  addElement(answerBox, "p", answer.price).className = "price";
  // An image cannot run a script or load a file, whatever it contains.
  const picture = addElement(answerBox, "img");
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(answer.picture)}`;
  picture.alt = answer.picture_text;
  const reasons = addElement(answerBox, "ul");
  for (const reason of answer.reasons) addElement(reasons, "li", reason);
  for (const sheet of answer.sheets) addTable(answerBox, sheet);
  answerBox.hidden = false;
}

function showError(message) {
  errorBox.replaceChildren();
  answerBox.hidden = true;
  addElement(errorBox, "p", message);
}

// A calculation occupies the page, so the status must be visible before it begins.
function letBrowserPaint() {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

async function calculate() {
  errorBox.replaceChildren();
  showStatus("Loading ...");
  calculateButton.disabled = true;
  try {
    const answerAsJson = await getLibrary();
    showStatus("Calculating ...");
    await letBrowserPaint();
    const fields = JSON.stringify(Object.fromEntries(new FormData(form)));
    const answer = JSON.parse(answerAsJson(fields));
    if (answer.error) showError(answer.error);
    else showAnswer(answer);
    showStatus(answer.error ? "Not calculated." : "Calculated.");
  } catch (error) {
    showError(`The calculation failed: ${error.message}`);
    showStatus("Not calculated.");
  } finally {
    calculateButton.disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  calculate();
});

document.getElementById("try-it-example").addEventListener("click", () => {
  form.elements.calls.value = EXAMPLE_CALLS;
});

document.getElementById("try-it-file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file) form.elements.calls.value = await file.text();
});

// A browser gives a page that is a file of the computer no other files.
if (location.protocol === "file:") {
  calculateButton.disabled = true;
  showStatus(
    "This page is open as a file, and then a browser loads no Python. Run " +
      "`python -m http.server` in the folder of the pages, and open http://localhost:8000/try-it.html.",
  );
}
