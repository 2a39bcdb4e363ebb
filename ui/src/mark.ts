// TikTok's mark is not part of this project. Whoever is licensed to show it gives the address of a file on the console's
// own origin in <meta name="tiktok-mark" content="/console/assets/..."> (see README); without it the button has words only.
export function tiktokMark(): string | null {
  const given = document.querySelector('meta[name="tiktok-mark"]')?.getAttribute('content') ?? '';
  return given.startsWith('/') && !given.startsWith('//') ? given : null;
}
