// Loaded before a program that `npm start` runs. npm hands SIGTERM to its shell alone, and the shell to nobody: without
// this, the server would go on, and hold its port, after npm has ended. It is told once: to be asked again means to end at once.
const shell = process.ppid

const look = setInterval(() => {
  if (process.ppid === shell) return
  clearInterval(look)
  process.kill(process.pid, 'SIGTERM')
}, 250).unref()
