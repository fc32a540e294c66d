import EventIO
import Glibc

extension AdminState.Control {
    /// Control of the process for administrators: a worker asks its parent, which knows what all workers do; a process without workers sends itself the
    /// signal that an operator would send.
    init(of worker: Worker?) {
        guard let worker else {
            self.init(reload: { kill(getpid(), SIGHUP) }, drain: { kill(getpid(), SIGTERM) }, worker: 0, workers: 1)
            return
        }
        self.init(
            reload: { worker.say(.wantsReload) }, drain: { worker.say(.wantsStop) }, worker: worker.number,
            workers: worker.count)
    }
}
