import EventIO
import Hub

/// A worker's report about the trash to the state process, or its question.
enum TrashRequest: Equatable, Sendable {
    /// Sent before anything is done: this repository will go into the trash.
    case begin(TrashRecord)
    /// The outcome of an attempt.
    case settle(trashName: String, TrashOutcome, by: String)
    /// Asks what is to be done.
    case work

    private enum Tag: UInt8 { case begin, settle, work }

    /// Whether it only reads: a question each second must not cause a write to the disk each second.
    static func isQuestion(_ record: StateRecord) -> Bool {
        record.kind == .trash && record.payload == [Tag.work.rawValue]
    }

    var record: StateRecord {
        var writer = ByteWriter()
        func put(_ tag: Tag) { writer.put(tag.rawValue) }
        switch self {
        case .begin(let record):
            put(.begin)
            record.put(into: &writer)
        case .settle(let trashName, let outcome, let by):
            put(.settle)
            writer.put(trashName)
            outcome.put(into: &writer)
            writer.put(by)
        case .work: put(.work)
        }
        return StateRecord(kind: .trash, payload: writer.bytes)
    }

    /// Nil for bytes that `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        guard let tag = reader.number(UInt8.self).flatMap(Tag.init(rawValue:)) else { return nil }
        switch tag {
        case .begin:
            guard let record = TrashRecord(from: &reader), record.status == .moving, reader.isAtEnd else { return nil }
            self = .begin(record)
        case .settle:
            guard let trashName = reader.text(), let outcome = TrashOutcome(from: &reader), let by = reader.text(),
                reader.isAtEnd
            else { return nil }
            self = .settle(trashName: trashName, outcome, by: by)
        case .work:
            guard reader.isAtEnd else { return nil }
            self = .work
        }
    }
}

/// The outcome of an attempt to do something with a repository of the trash.
enum TrashOutcome: Equatable, Sendable {
    /// It is in the trash.
    case kept
    /// It is certainly not in the trash, and keeps its name.
    case notMoved
    /// It is not in the trash now, but a call that was given up may still move it.
    case undone
    /// It is not known yet.
    case later
    /// It may be in the trash: the Hub has to be asked.
    case unclear
    case restored(note: String?)
    case purged
    case lost(String)
    /// To be tried again.
    case failed(String)
    /// The Hub has finally refused an order; what is to be done instead follows.
    case refused(String)

    private enum Tag: UInt8 { case kept, notMoved, undone, later, unclear, restored, purged, lost, failed, refused }

    func put(into writer: inout ByteWriter) {
        func put(_ tag: Tag, _ text: String = "") {
            writer.put(tag.rawValue)
            writer.put(Array(text.utf8.prefix(TrashRecord.longestTrouble)))
        }
        switch self {
        case .kept: put(.kept)
        case .notMoved: put(.notMoved)
        case .undone: put(.undone)
        case .later: put(.later)
        case .unclear: put(.unclear)
        case .restored(let note): put(.restored, note ?? "")
        case .purged: put(.purged)
        case .lost(let reason): put(.lost, reason)
        case .failed(let reason): put(.failed, reason)
        case .refused(let reason): put(.refused, reason)
        }
    }

    init?(from reader: inout ByteReader) {
        guard let tag = reader.number(UInt8.self).flatMap(Tag.init(rawValue:)), let bytes = reader.blob(),
            bytes.count <= TrashRecord.longestTrouble
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        self =
            switch tag {
            case .kept: .kept
            case .notMoved: .notMoved
            case .undone: .undone
            case .later: .later
            case .unclear: .unclear
            case .restored: .restored(note: text.isEmpty ? nil : text)
            case .purged: .purged
            case .lost: .lost(text)
            case .failed: .failed(text)
            case .refused: .refused(text)
            }
    }
}

/// The state process's answer to a `TrashRequest`.
enum TrashAnswer: Equatable, Sendable {
    /// It is recorded.
    case done
    /// Another request is about to move the same repository, or it is unclear whether it has.
    case underWay
    /// The trash has as many repositories as allowed.
    case full
    /// What is to be done now, the most urgent first.
    case work([TrashRecord])

    private enum Tag: UInt8 { case done, underWay, full, work }

    /// The most records in one answer: each is at most about 2 KiB.
    static let mostWork = 16

    var bytes: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .done: writer.put(Tag.done.rawValue)
        case .underWay: writer.put(Tag.underWay.rawValue)
        case .full: writer.put(Tag.full.rawValue)
        case .work(let records):
            writer.put(Tag.work.rawValue)
            for record in records { record.put(into: &writer) }
        }
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let tag = reader.number(UInt8.self).flatMap(Tag.init(rawValue:)) else { return nil }
        switch tag {
        case .done: self = .done
        case .underWay: self = .underWay
        case .full: self = .full
        case .work:
            var records: [TrashRecord] = []
            while !reader.isAtEnd {
                guard let record = TrashRecord(from: &reader) else { return nil }
                records.append(record)
            }
            self = .work(records)
        }
    }
}
