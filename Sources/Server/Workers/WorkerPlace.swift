/// A place for a worker, as the parent keeps it: who has it, or when the next one gets it.
struct WorkerPlace {
    /// From 1; also that of its counters.
    let number: Int
    let socket: SharedSocket
    let adminSocket: SharedSocket?
    var child: ChildProcess?
    var isServing = false
    /// It has been told to reload, and has not said that it did.
    var owesReload = false
    var began = Moment.now
    var heard = Moment.now
    var delay = RestartDelay()
    /// When a successor is due, in milliseconds by `Moment`.
    var due: Int?

    init(number: Int, socket: SharedSocket, adminSocket: SharedSocket?) {
        self.number = number
        self.socket = socket
        self.adminSocket = adminSocket
    }

    mutating func taken(by child: ChildProcess) {
        self.child = child
        (began, heard) = (.now, .now)
        due = nil
    }

    /// Nobody has it any more; says in how many milliseconds somebody is due.
    mutating func left() -> Int {
        let wait = delay.next(lived: Moment.now.milliseconds - began.milliseconds)
        child = nil
        socket.quiet()
        adminSocket?.quiet()
        (isServing, owesReload) = (false, false)
        due = Moment.now.milliseconds + wait
        return wait
    }
}
