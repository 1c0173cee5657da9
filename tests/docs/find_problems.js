// Return what is wrong with the page on the current screen, as sentences.

const problems = [];
const screenWidth = window.innerWidth;

function describe(element) {
  const text = element.textContent.trim().replace(/\s+/g, " ").slice(0, 60);
  return `<${element.tagName.toLowerCase()}> "${text}"`;
}

// The page must not scroll sideways. On a phone, Furo's content is a box of its own that can scroll.
const content = document.querySelector("article") ?? document.body;
const pageBoxes = [document.documentElement, ...document.querySelectorAll(".content")];
if (pageBoxes.some((box) => box.scrollWidth > box.clientWidth)) {
  const scrollBoxes = "pre, .table-wrapper, .diagram";
  const tooWide = [...content.querySelectorAll("*")].filter(
    (element) =>
      element.getBoundingClientRect().right > screenWidth + 1 &&
      !element.parentElement.closest(scrollBoxes),
  );
  problems.push(`the page is wider than the screen: ${describe(tooWide.at(-1) ?? content)}`);
}

// On a wide screen, no code needs scrolling.
if (screenWidth >= 1280) {
  for (const block of content.querySelectorAll("pre")) {
    if (block.scrollWidth > block.clientWidth) {
      problems.push(`code is cut off: ${describe(block)}`);
    }
  }
}

for (const image of document.images) {
  if (image.complete && image.naturalWidth === 0) {
    problems.push(`cannot show the image ${image.getAttribute("src")}`);
  }
}

// Text must have the contrast that WCAG 2 asks for at level AA: 4.5 to 1.
const readColor = (text) => text.match(/[\d.]+/g).map(Number);

function findBackground(element) {
  for (let box = element; box !== null; box = box.parentElement) {
    const [red, green, blue, alpha = 1] = readColor(getComputedStyle(box).backgroundColor);
    if (alpha > 0.5) return [red, green, blue];
  }
  return [255, 255, 255];
}

function luminance(color) {
  const [red, green, blue] = color.map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const texts = document.createTreeWalker(content, NodeFilter.SHOW_TEXT);
const checkedClasses = new Set();
const paleColors = new Set();
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || element.closest("svg")) continue;
  // All code has the same colours, so one word of each class is enough.
  if (element.closest(".highlight")) {
    if (checkedClasses.has(element.className)) continue;
    checkedClasses.add(element.className);
  }
  if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
  const colors = [readColor(getComputedStyle(element).color), findBackground(element)];
  const [darker, lighter] = colors.map(luminance).sort((a, b) => a - b);
  const contrast = (lighter + 0.05) / (darker + 0.05);
  if (contrast < 4.5 && !paleColors.has(colors.join())) {
    paleColors.add(colors.join());
    problems.push(`text has a contrast of ${contrast.toFixed(1)}: ${describe(element)}`);
  }
}

return problems;
