import Hub

extension JSONRewriter {
    /// A name, or a part of it.
    mutating func name(_ piece: Span<UInt8>, _ index: Int) throws(Failure) -> Int {
        let closing = end.find(in: piece, from: index)
        let part = piece.extracting(index..<(closing ?? piece.count))
        if canDrop {
            member.append(part)
            guard member.count <= Self.longestName else { throw .hubBroken("its JSON has a name that is too long") }
        }
        guard let closing else {
            // A longer name is none of those that rules have.
            text.append(part.extracting(first: min(part.count, Self.longestName + 1 - text.count)))
            return piece.count
        }
        if canDrop { member.append(UInt8(ascii: "\"")) }
        if text.isEmpty {
            frames[frames.count - 1].name = try fitting(part)
        } else {
            text.append(part.extracting(first: min(part.count, Self.longestName + 1 - text.count)))
            frames[frames.count - 1].name = try fitting(text.span)
            text = []
        }
        (state, expected) = (.structure, .colon)
        return closing + 1
    }

    private func fitting(_ name: Span<UInt8>) throws(Failure) -> UInt32 {
        guard name.count <= Self.longestName else { return 0 }
        guard name.indices.contains(where: { name[$0] == UInt8(ascii: "\\") }) else { return rules.fitting(name) }
        guard let text = JSON.unescaped(Array(name)[...]) else {
            throw .hubBroken("its JSON has a string that is none")
        }
        return rules.fitting(Array(text.utf8).span)
    }

    /// A string that may be replaced, or a part of it.
    mutating func held(
        _ piece: Span<UInt8>, _ index: Int, _ change: Rewrite.URLAction, _ byName: Bool
    ) throws(Failure) -> Int {
        let closing = end.find(in: piece, from: index)
        let part = piece.extracting(index..<(closing ?? piece.count))
        let isTooLong = text.count + part.count > Self.longestURL
        guard !isTooLong || !byName else { throw .hubBroken("its JSON has a URL that is too long") }
        guard let closing else {
            hold(piece, part, as: isTooLong ? .string : state)
            return piece.count
        }
        state = .structure
        let replacement = isTooLong ? nil : try replacement(part, change, byName)
        if waiting?.isNew == true {
            if let heldFrom { pass(piece, to: heldFrom) }
            waiting?.begins(at: output.count)
            run = closing + 1
        } else if let replacement {
            if let heldFrom { pass(piece, to: heldFrom) }
            JSON.append(quoted: replacement, to: &output)
            run = closing + 1
        } else if heldFrom == nil {
            output.append(UInt8(ascii: "\""))
            output += text
            run = index
        }
        text = []
        heldFrom = nil
        return closing + 1
    }

    /// The string continues in the next piece: it is held until its end, or goes out if it cannot be one that is replaced.
    private mutating func hold(_ piece: Span<UInt8>, _ part: Span<UInt8>, as next: State) {
        if case .string = next {
            if heldFrom == nil {
                output.append(UInt8(ascii: "\""))
                output += text
                run = piece.count - part.count
            }
            text = []
        } else {
            if let heldFrom { pass(piece, to: heldFrom) }
            text.append(part)
            run = piece.count
        }
        heldFrom = nil
        state = next
    }

    /// The replacement for the string with this end; nil where it stays.
    private mutating func replacement(
        _ part: Span<UInt8>, _ change: Rewrite.URLAction, _ byName: Bool
    ) throws(Failure) -> String? {
        if text.isEmpty, !byName, !URLText.mayBe(part) { return nil }
        var raw = text
        raw.append(part)
        if !byName, !URLText.mayBe(raw.span) { return nil }
        let isPlain = !raw.contains(UInt8(ascii: "\\"))
        guard let string = isPlain ? String(validating: raw, as: UTF8.self) : JSON.unescaped(raw[...]) else {
            guard byName else { return nil }
            throw .hubBroken("its JSON has a string that is none")
        }
        switch change {
        case .oid:
            describe { $0.name(string) }
            return nil
        case .object: return try replacement(ofObject: string)
        default: return byName || URLText.isWhole(string) ? try replace(string, change) : nil
        }
    }
}
