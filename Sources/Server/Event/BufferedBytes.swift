internal import Hub

/// The memory that all collected request bodies may take together: many small bodies are as much as a large one.
@EventLoop
final class BufferedBytes {
    /// In bytes.
    var limit: Int
    private(set) var held = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// Throws `tooBusy` when there is no room for `count` more bytes.
    func take(_ count: Int) throws(Failure) {
        guard held + count <= limit else { throw .tooBusy("memory for request bodies") }
        held += count
    }

    func giveBack(_ count: Int) {
        held -= count
    }
}
