/** This program again, as another process: the executable, or the source by Bun. */
export function selfWith(...args: string[]): string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return [process.execPath, ...(isCompiled ? [] : [Bun.main]), ...args];
}
