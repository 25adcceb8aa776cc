/** The anchor of a heading, as the web pages of git hosts make it, so that `errors.md#trust_not_signed` leads there and on the site alike. */
export const slugify = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
