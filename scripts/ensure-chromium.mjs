import { ensureProgram } from './ensure-program.mjs'

/** The variable by which the browser tests find Chromium. */
export function ensureChromium() {
  const path = ensureProgram({
    what: 'Chromium',
    variable: 'CHROME_PATH',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome.exe'],
    elsewhere: () => [
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    ],
    debian: 'chromium',
    howToGetIt: `  macOS   brew install --cask google-chrome
  Debian  sudo apt-get update && sudo apt-get install -y chromium
  Docker  docker run --rm -v "$PWD":/src:ro node:24-bookworm sh -c 'cp -r /src /app && cd /app && npm ci && npm test'`,
  })
  return { CHROME_PATH: path }
}
