import CEvent

/// A flat YAML mapping of scalars and lists of them, read by libyaml. It stands here because this folder alone imports CEvent.
package enum YAMLScalars {
    package struct Entry: Equatable, Sendable {
        package let key: String
        package let value: String
        package let line: Int
        /// The value stood as a list, whose parts have commas between them here.
        package let isList: Bool

        package init(key: String, value: String, line: Int, isList: Bool = false) {
            self.key = key
            self.value = value
            self.line = line
            self.isList = isList
        }
    }

    package struct Fault: Error, Equatable {
        package let line: Int
        package let reason: String

        package init(line: Int, reason: String) {
            self.line = line
            self.reason = reason
        }
    }

    /// The entries in the file's order, repeated keys included.
    package static func read(_ text: [UInt8]) throws(Fault) -> [Entry] {
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

        func add(_ key: String, _ value: String, line: Int, isItem: Bool) {
            // Where a key is repeated, its line is another.
            if isItem, let last = entries.last, last.isList, last.key == key, last.line == line {
                entries[entries.count - 1] = Entry(key: key, value: last.value + "," + value, line: line, isList: true)
            } else {
                entries.append(Entry(key: key, value: value, line: line, isList: isItem))
            }
        }
    }

    private static let collect:
        @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?, CInt, Bool) -> Void = {
            context, key, value, line, isItem in
            guard let key = unsafe key, let value = unsafe value else { return }
            let collector: Collector = unsafe unretained(context)
            unsafe collector.add(String(cString: key), String(cString: value), line: Int(line), isItem: isItem)
        }
}
