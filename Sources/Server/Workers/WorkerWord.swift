/// What a worker says to its parent, a byte each.
enum WorkerWord: UInt8 {
    /// It listens.
    case serving
    /// Its loop turns.
    case alive
    /// It has taken up what changed in the files.
    case reloaded
    /// It found a fault in them, and its settings are what they were.
    case notReloaded
}
