// Loaded into the apps before their own code: when the demo is gone, however it went, they end as on any SIGTERM.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// Not to keep the app alive: it ends by itself when it has nothing left to do.
process.channel?.unref()
