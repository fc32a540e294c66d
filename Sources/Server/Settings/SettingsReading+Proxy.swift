import HTTP

/// The proxy: which source counts, and what each may contain.
extension SettingsReading {
    /// The environment's variables for all programs count together or not at all: exceptions to another proxy are none to this one.
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
        checkSeparators()
        readProxyFile()
    }

    /// In the environment, which is for other programs too, spaces separate entries; in our own sources they are a mistake.
    private mutating func checkSeparators() {
        guard let value = chosen["no_proxy"], value.place != .convention, !settings.noProxy.entries.isEmpty,
            let entry = ListText.parts(value.text).first(where: { $0.contains { $0 == " " || $0 == "\t" } })
        else { return }
        refuse("no_proxy", "\"\(String(entry).shown)\" has a blank in it; put commas between entries")
    }

    private mutating func readProxyFile() {
        guard let path = settings.upstreamProxyFile, let content = fileContent(of: "upstream_proxy", at: path) else {
            return
        }
        var text = String(decoding: content, as: UTF8.self)
        while text.last?.isNewline == true { text.removeLast() }
        do throws(ValueError) {
            settings.upstreamProxy = try UpstreamProxy(reading: text)
            choose("upstream_proxy", chosen["upstream_proxy_file"])
        } catch {
            refuse(
                "upstream_proxy_file",
                "the address in \(path.shown) \(error.reason); accepted: http://[USER:PASSWORD@]HOST:PORT")
        }
    }
}
