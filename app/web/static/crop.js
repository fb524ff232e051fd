// Shows which part of the chosen photo will be kept. The server cuts it; without this script it keeps the middle.
// The design system gives the id of the file input to the button that it draws, so the name finds it.
const file = document.querySelector("input[type=file][name=photo]");
const tool = document.getElementById("crop-tool");
const canvas = document.getElementById("crop-preview");
const said = document.getElementById("crop-said");
const ranges = ["zoom", "across", "down"].map((name) => document.getElementById(`photo-${name}`));
const LARGEST_FILE = 8 * 1024 * 1024;
let picture = null;

function draw() {
  const [zoom, across, down] = ranges.map((range) => Number(range.value));
  const scale = (Math.min(picture.width / canvas.width, picture.height / canvas.height) * 100) / zoom;
  const width = canvas.width * scale;
  const height = canvas.height * scale;
  const left = ((picture.width - width) * across) / 100;
  const top = ((picture.height - height) * down) / 100;
  canvas.getContext("2d").drawImage(picture, left, top, width, height, 0, 0, canvas.width, canvas.height);
}

function say(sentence, isProblem = false) {
  said.textContent = sentence;
  said.classList.toggle("nhsuk-error-message", isProblem);
}

// Takes the file out again. The design system writes its name into the box, and takes it away when it hears "change".
function refuse(why) {
  const name = file.files[0].name;
  file.value = "";
  file.dispatchEvent(new Event("change", { bubbles: true }));
  say(`${name} ${why}`, true);
}

async function show() {
  tool.hidden = true;
  say("");
  if (!file.files.length) {
    return;
  }
  if (file.files[0].size > LARGEST_FILE) {
    refuse("is larger than 8 MB. Choose a smaller picture.");
    return;
  }
  try {
    picture = await createImageBitmap(file.files[0]);
  } catch {
    refuse("is not a picture that can be used. Choose a JPEG, PNG or WebP picture.");
    return;
  }
  tool.hidden = false;
  say("Photo chosen. Zoom and move it until the face fills the frame.");
  draw();
}

if (file && tool) {
  file.addEventListener("change", show);
  ranges.forEach((range) => range.addEventListener("input", draw));
  show();
}
