// Measures every page of the harness in its own frame, and writes the findings as JSON.
function parsed(color) {
  const numbers = color.match(/[\d.]+/g).map(Number);
  return { rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1 };
}
function luminance(rgb) {  // WCAG 2.1, relative luminance
  const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(one, other) {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}
function paint(element, view) {
  const style = view.getComputedStyle(element);
  const shape = element.namespaceURI.endsWith("svg") && element.localName !== "svg";
  if (shape && (element.localName === "text" || style.fill === "none")) return null;
  const found = parsed(shape ? style.fill : style.backgroundColor);
  return found.alpha === 0 ? null : found.rgb;
}
function behind(element, x, y, view) {
  const stack = view.document.elementsFromPoint(x, y);
  for (const other of stack) {
    const rgb = paint(other, view);
    if (rgb) return rgb;
  }
  return null;
}
function inside(inner, outer) {
  return inner.left >= outer.left - 1 && inner.right <= outer.right + 1;
}
function measure(frame) {
  const view = frame.contentWindow, page = view.document, root = page.documentElement;
  page.querySelectorAll("details").forEach((d) => { d.open = true; });
  frame.style.height = `${root.scrollHeight + 50}px`;
  const texts = [], cut = [], covered = [];
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement, range = page.createRange();
    if (!node.data.trim() || parent.localName === "title") continue;
    range.selectNodeContents(node);
    const box = Array.from(range.getClientRects()).find((r) => r.width > 0);
    if (!box) continue;
    const svg = parent.closest("svg"), scrolls = parent.closest(".scroll");
    const frames = [svg, scrolls ? null : root, parent.closest("td, th, dd, dt, li, .bar, .tile, figure")];
    const whole = range.getBoundingClientRect();
    for (const outer of frames.filter(Boolean)) {
      if (!inside(whole, outer.getBoundingClientRect())) cut.push(`${node.data.trim()} in ${outer.localName}`);
    }
    if (!scrolls || inside(whole, scrolls.getBoundingClientRect())) {
      const style = view.getComputedStyle(parent);
      const back = behind(parent, box.left + box.width / 2, box.top + box.height / 2, view);
      if (!back) { covered.push(node.data.trim()); continue; }
      const ink = parsed(svg ? style.fill : style.color).rgb;
      texts.push([node.data.trim().slice(0, 40), Math.round(contrast(ink, back) * 100) / 100]);
    }
  }
  const cells = Array.from(page.querySelectorAll("td, th"));
  cells.filter((c) => c.scrollWidth > c.clientWidth + 1 && c.clientWidth).forEach((c) => cut.push(`cell ${c.textContent.trim()}`));
  return {
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
    scroll_width: root.scrollWidth, client_width: root.clientWidth, texts, cut, covered,
  };
}
window.addEventListener("load", () => {
  const found = {};
  document.querySelectorAll("iframe").forEach((f) => { found[f.id] = measure(f); });
  document.body.replaceChildren();
  const result = document.createElement("pre");
  result.id = "measured";
  result.textContent = JSON.stringify(found);
  document.body.append(result);
});
