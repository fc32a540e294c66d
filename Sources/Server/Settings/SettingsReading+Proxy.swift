import HTTP

/// The proxy: which of the places counts, and what may stand in which.
extension SettingsReading {
    /// What the environment tells other programs counts as a whole, or not at all: exceptions to another proxy are none to this one.
    mutating func dropConventionsOfAnotherProxy() {
        let isExplicit = ["upstream_proxy", "upstream_proxy_file"].contains { name in
            chosen[name].map { $0.place != .convention } ?? false
        }
        if isExplicit, chosen["upstream_proxy"]?.place == .convention { choose("upstream_proxy", nil) }
        if chosen["no_proxy"]?.place == .convention, chosen["upstream_proxy"]?.place != .convention {
            choose("no_proxy", nil)
        }
    }

    mutating func checkProxy() {
        if settings.upstreamProxy?.credentials != nil, let place = chosen["upstream_proxy"]?.place,
            place == .flag || place == .file
        {
            let readers =
                place == .flag
                ? "where every user of the machine can read it in the process list"
                : "in a file that gets copied, shown and committed"
            refuse(
                "upstream_proxy",
                "a password is not accepted here, \(readers); put the proxy's address with it in a file of its own and name "
                    + "that with upstream_proxy_file, or use the environment variable HUBGATE_UPSTREAM_PROXY")
        }
        if chosen["upstream_proxy"]?.place == .convention { settings.upstreamProxy?.takesPlaintext = false }
        readProxyFile()
    }

    /// Of `upstream_proxy` and `upstream_proxy_file` the one from the stronger place counts.
    private mutating func readProxyFile() {
        guard let path = settings.upstreamProxyFile, let file = chosen["upstream_proxy_file"] else { return }
        if let proxy = chosen["upstream_proxy"] {
            guard proxy.place != file.place else {
                return refuse(
                    "upstream_proxy_file", "upstream_proxy is given too (\(proxy.provenance)); give one of them")
            }
            if proxy.place > file.place { return }
        }
        switch files(path) {
        case .absent: refuse("upstream_proxy_file", "there is no file \(path.shown)")
        case .failed(let reason): refuse("upstream_proxy_file", "\(path.shown) cannot be read: \(reason)")
        case .bytes(let content):
            var text = String(decoding: content, as: UTF8.self)
            while text.last?.isNewline == true { text.removeLast() }
            do throws(ValueError) {
                settings.upstreamProxy = try UpstreamProxy(reading: text)
                choose("upstream_proxy", file)
            } catch {
                refuse(
                    "upstream_proxy_file",
                    "the address in \(path.shown) \(error.reason); accepted: http://[USER:PASSWORD@]HOST:PORT")
            }
        }
    }
}
