import EventIO
import HTTP
import Hub

extension RelayDriver {
    /// Rewrites as much as this turn has time for and the client takes. False: the bytes have to be passed again, since some are left.
    func takeRewritten(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        while takenBytes < bytes.count {
            guard hasRoom else {
                place?.waitsForClient()
                return false
            }
            guard RewriteTurn.hasTime else {
                EventLoop.post { self.transfer?.resume() }
                return false
            }
            do throws(Failure) {
                try unsafe rewriteSome(bytes)
            } catch {
                giveUp(error)
                break
            }
        }
        takenBytes = 0
        return true
    }

    /// Rewrites for a while, and writes the result. The head goes out together with the first of it: until these bytes have been
    /// checked, the client can be told what is wrong.
    private func rewriteSome(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) {
        let start = waitingHead == nil ? takenBytes : 0
        while takenBytes < bytes.count, RewriteTurn.hasTime,
            waitingHead != nil || gathered.map({ $0.count < Self.pieceBytes }) ?? true
        {
            let range = takenBytes..<min(takenBytes + RewriteTurn.pieceBytes, bytes.count)
            try RewriteTurn.count { () throws(Failure) in try unsafe rewrite(bytes, range, gatheredFrom: start) }
            takenBytes = range.upperBound
        }
        if waitingHead != nil {
            guard takenBytes == bytes.count else { return }
            if waitingHead?.contentLength == bytes.count { return try unsafe writeWhole(bytes) }
            startRewritten(length: nil)
        }
        unsafe write(gathered.take(), UnsafeBufferPointer(rebasing: bytes[start..<takenBytes]))
    }

    private func rewrite(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, gatheredFrom start: Int
    ) throws(Failure) {
        let piece = unsafe UnsafeBufferPointer(rebasing: bytes[range])
        let changed = try rewriter?.rewrite(unsafe piece.span)
        if let changed { try scanner?.scan(changed.span) } else { try scanner?.scan(unsafe piece.span) }
        // Last: it lets a whole entry out at once, and only searches for its end.
        if var filter = context.entryFilter.take() {
            let kept =
                if let changed { try filter.rewrite(changed.span) } else { try filter.rewrite(unsafe piece.span) }
            context.entryFilter = filter
            gathered = (gathered.take() ?? []) + kept
            return
        }
        guard gathered != nil || changed != nil else { return }
        var whole = unsafe gathered.take() ?? Array(bytes[start..<range.lowerBound])
        if let changed { whole += changed } else { unsafe whole.append(contentsOf: piece) }
        gathered = whole
    }

    /// The rest of the output, when the content has ended.
    func rewrittenTail() throws(Failure) -> [UInt8] {
        guard let tail = try rewriter?.finish() else { return [] }
        try scanner?.scan(tail.span)
        guard var filter = context.entryFilter.take() else { return tail }
        let kept = try filter.rewrite(tail.span)
        try filter.finish()
        return kept
    }

    /// All of the content is here, as in most responses: so the result has a length, and if nothing was changed all fields stay.
    private func writeWhole(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) {
        let tail = try rewrittenTail()
        var whole = gathered.take()
        if !tail.isEmpty { whole = unsafe (whole ?? Array(bytes)) + tail }
        if let whole {
            startRewritten(length: whole.count)
        } else if let head = waitingHead {
            missingBytes = head.contentLength
            waitingHead = nil
            start(head)
        }
        unsafe write(whole, bytes)
        rewriter = nil
        scanner = nil
        finish()
    }

    /// Lets the head out, if it still waits: without fields that describe the bytes as the Hub sent them.
    func startRewritten(length: Int?) {
        guard var head = waitingHead else { return }
        head.headers.remove("Content-Length")
        head.headers.remove("ETag")
        missingBytes = length
        waitingHead = nil
        start(head)
        missingBytes = nil
    }

    private func write(_ changed: [UInt8]?, _ bytes: UnsafeBufferPointer<UInt8>) {
        guard let changed else { return unsafe write(bytes) }
        guard !changed.isEmpty else { return }
        unsafe changed.withUnsafeBufferPointer { unsafe write($0) }
    }
}
