import EventIO
import Glibc

/// A process of its own that reads what another one will read, and waits for the disk in its place. Contents it gets as open files; blobs that the
/// other is about to open it looks up itself, in `cache_dir` alone.
struct DiskReading {
    let channel: FileChannel
    let directory: CacheDirectory

    /// Runs until the other process ends.
    func run() {
        let buffer = FileBuffer(capacity: 256 * 1024)
        while true {
            switch channel.receive() {
            case .none: channel.wait()
            case .ended: return
            case .message(let bytes, let file):
                if let opening = DiskOpening(bytes) {
                    directory.bringIntoMemory(opening.name, buffer)
                    answer(DiskAnswer(number: opening.number, error: nil))
                }
                guard let request = DiskRequest(bytes), let file else { continue }
                answer(DiskAnswer(number: request.number, error: read(file, request.range, buffer)))
            }
        }
    }

    private func answer(_ answer: DiskAnswer) {
        // The socket is full of answers that were not read. This process ends with the other.
        while !channel.send(answer.bytes) { usleep(5000) }
    }

    private func read(_ file: StoredFile, _ range: Range<Int>, _ buffer: FileBuffer) -> FileError? {
        var position = range.lowerBound
        while position < range.upperBound {
            switch file.readWaiting(into: buffer, at: position, count: range.upperBound - position) {
            case .bytes(let count) where count > 0: position += count
            case .failed(let error): return error
            // The file is shorter than before: the reader finds that.
            case .bytes, .later, .unknown: return nil
            }
        }
        return nil
    }
}
