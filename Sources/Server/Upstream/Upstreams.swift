/// The servers that the gateway speaks for.
@EventLoop
struct Upstreams {
    let hub: Upstream
    /// The inference router; nil where the settings name none for this Hub.
    let inference: Upstream?

    init(
        _ settings: Settings, origin: Server.Origin, pool: TransferPool, admission: CallAdmission,
        escapes: EscapeWatch
    ) {
        hub = Upstream(
            settings, origin: origin, base: origin.base, limits: .hub(settings), pool: pool, admission: admission,
            escapes: escapes)
        inference = origin.inference.map { base in
            Upstream(
                settings, origin: origin, base: base, limits: .inference(settings), pool: pool,
                admission: admission, escapes: escapes)
        }
    }
}

extension Transfer.Limits {
    fileprivate static func hub(_ settings: Settings) -> Transfer.Limits {
        Transfer.Limits(
            connect: settings.connectTimeout.milliseconds, firstByte: settings.firstByteTimeout.milliseconds,
            stall: settings.stallTimeout.milliseconds)
    }

    /// A model may think for long before its first word, and between two.
    fileprivate static func inference(_ settings: Settings) -> Transfer.Limits {
        Transfer.Limits(
            connect: settings.connectTimeout.milliseconds, firstByte: settings.inferenceTimeout.milliseconds,
            stall: settings.inferenceTimeout.milliseconds)
    }
}
