/** The style of each class of the picture, for where there is no stylesheet. */
const PAINT: Record<string, string> = {
  label: 'font-size="12"',
  middle: 'text-anchor="middle"',
  strong: 'font-weight="600"',
  faint: 'fill="#67645d"',
  wrong: 'fill="#b0251c" font-weight="600"',
  "bar-access": 'fill="#b9562a"',
  "bar-refresh": 'fill="#4450c4"',
  "bar-overlap": 'fill="#4450c4" fill-opacity="0.25" stroke="#4450c4" stroke-dasharray="3 3"',
  "bar-ghost": 'fill="#c9c6bd"',
  "bar-thief": 'fill="#b0251c"',
  use: 'fill="#ffffff" stroke="#1e1d1b" stroke-width="2"',
  tick: 'stroke="#dfdcd4"',
  now: 'stroke="#1e1d1b" stroke-dasharray="2 4"',
  end: 'stroke="#b0251c" stroke-width="2"',
};

/** A picture of a page as a file of its own: an image is shown without the styles of whoever shows it. */
export function fileOf(svg: string): string {
  const painted = svg.replaceAll(/ class="([^"]*)"/g, (_, names: string) =>
    names
      .split(" ")
      .map((name) => PAINT[name] && ` ${PAINT[name]}`)
      .join(""),
  );
  const marks = painted.replaceAll(/<rect (?![^>]*fill=)/g, '<rect fill="#ffffff" stroke="#1e1d1b" ');
  const [open = ""] = /^<svg[^>]*>/.exec(marks) ?? [];
  const head = open.replace(
    "<svg",
    '<svg xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif"',
  );
  return `${head}<rect width="100%" height="100%" fill="#ffffff"/>${marks.slice(open.length)}`;
}
