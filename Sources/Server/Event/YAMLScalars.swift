internal import CEvent

/// A flat YAML mapping of scalars, read by libyaml. It stands here because this folder alone imports CEvent.
enum YAMLScalars {
    struct Entry: Equatable, Sendable {
        let key: String
        let value: String
        let line: Int
    }

    struct Fault: Error, Equatable {
        let line: Int
        let reason: String
    }

    /// The entries in the file's order, repeated keys included.
    static func read(_ text: [UInt8]) throws(Fault) -> [Entry] {
        let collector = Collector()
        var error = ce_error()
        var line: CInt = 0
        let isRead = unsafe text.withUnsafeBytes { bytes in
            withExtendedLifetime(collector) {
                let characters = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                let context = unsafe Unmanaged.passUnretained(collector).toOpaque()
                return unsafe ce_yaml_scalars(characters, bytes.count, collect, context, &error, &line)
            }
        }
        guard isRead else {
            throw Fault(line: Int(line), reason: CError(error).description)
        }
        return collector.entries
    }

    private final class Collector {
        var entries: [Entry] = []
    }

    private static let collect:
        @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?, CInt) -> Void = {
            context, key, value, line in
            guard let key = unsafe key, let value = unsafe value else { return }
            let collector: Collector = unsafe borrowed(context)
            unsafe collector.entries.append(
                Entry(key: String(cString: key), value: String(cString: value), line: Int(line)))
        }
}
