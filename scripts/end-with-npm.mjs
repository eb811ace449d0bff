// Loaded before a program that `npm start` runs. npm hands SIGTERM to its shell alone, and the shell to nobody: without
// this, the server would go on, and hold its port, after npm has ended.
const shell = process.ppid

setInterval(() => {
  if (process.ppid !== shell) process.kill(process.pid, 'SIGTERM')
}, 250).unref()
