/** JupyterLab's builder puts the text of an imported Markdown file into the bundle. */
declare module '*.md' {
  const text: string;
  export default text;
}
