import EventIO
import HTTP

/// Checks of several settings together.
extension SettingsReading {
    static let mountedCertificate = "/certs/cert.pem"
    static let mountedKey = "/certs/key.pem"

    mutating func check() {
        checkCertificate()
        checkAccess()
        checkAdmin()
        checkPublicURL()
        checkProxyProtocol()
        checkUpstream()
        checkToken()
        checkSigningKey()
        checkProxy()
        checkTraces()
        checkPeers()
        readCredentials()
        readLogins()
        checkState()
        if settings.targetLimit > settings.headLimit {
            refuse(
                chosen["target_limit"] == nil ? "head_limit" : "target_limit",
                "target_limit (\(settings.targetLimit)) is larger than head_limit (\(settings.headLimit)), "
                    + "which has to hold it")
        }
    }

    /// The default pair is in `certs/`, or, if that does not exist, at the root, where containers mount it.
    private mutating func checkCertificate() {
        switch (chosen["tls_cert"], chosen["tls_key"]) {
        case (nil, nil):
            if files(settings.tlsCertificate) == .absent, files(Self.mountedCertificate) != .absent {
                settings.tlsCertificate = Self.mountedCertificate
                settings.tlsKey = Self.mountedKey
            }
        case (_?, nil): refuse("tls_cert", "is given without tls_key; give both")
        case (nil, _?): refuse("tls_key", "is given without tls_cert; give both")
        case (_?, _?): break
        }
    }

    private mutating func checkAccess() {
        if settings.access == .open, settings.trustedOrigins.isEvery {
            refuse(
                "trusted_origins",
                "* with access = open lets every page that a user looks at use the token; name the origins")
        }
        guard chosen["access"] == nil, let far = settings.listen.first(where: { !$0.isLoopback }) else { return }
        refuse(
            "listen",
            "\(far) can be reached from other machines, and access does not say who may use the token; "
                + "set access to keys (each client has a gateway key: `hubgate init`), passthrough (each client brings its "
                + "own token) or open (whoever reaches the gateway acts with its token), or listen on 127.0.0.1")
    }

    private mutating func checkAdmin() {
        guard let admin = settings.adminListen, let taken = settings.listen.first(where: admin.overlaps) else { return }
        refuse("admin_listen", "\(admin) is taken by listen (\(taken)); give another port")
    }

    private mutating func checkPublicURL() {
        guard let path = settings.publicURL?.pathPrefix, !path.isEmpty else { return }
        if chosen["base_path"] == nil {
            do throws(ValueError) {
                settings.basePath = try ValueCodec<String>.basePath.read(path)
            } catch {
                refuse("public_url", "has the path \(path), which is base_path then, and that \(error.reason)")
            }
        } else if settings.basePath != path {
            refuse(
                "public_url",
                "has the path \(path), and base_path is \(settings.basePath); make them the same, or leave the path out"
            )
        }
    }

    private mutating func checkProxyProtocol() {
        guard settings.proxyProtocol, settings.trustedProxies.isEmpty else { return }
        refuse(
            "proxy_protocol",
            "is on, and trusted_proxies is empty, so no header could be believed; name the load balancers there")
    }

    private mutating func checkUpstream() {
        if chosen["inference_upstream"] == nil, settings.upstream.origin != UpstreamAddress.hub.origin {
            // A token of another Hub must not go to huggingface.co's router.
            settings.inferenceUpstream = nil
        }
        if settings.upstream.isOff {
            settings.inferenceUpstream = nil
            if settings.cacheDirectory.isEmpty, !settings.sandbox {
                refuse("upstream", "off has the gateway serve what cache_dir has, and that is off; give it a directory")
            }
        }
        checkCalled()
        for origin in settings.contentHosts.origins {
            guard let address = try? UpstreamAddress(reading: origin), address.scheme == .http,
                !address.isLoopback, !settings.upstreamPlaintext
            else { continue }
            refuse(
                "content_hosts",
                "\(origin) would send files in clear; use https, or accept that with upstream_plaintext")
        }
    }

    /// The sandbox is called instead of both.
    private mutating func checkCalled() {
        guard !settings.sandbox else { return }
        check(settings.upstream, of: "upstream", meaning: "the Hub")
        if let router = settings.inferenceUpstream {
            check(router, of: "inference_upstream", meaning: "the inference router")
        }
    }

    private mutating func check(_ upstream: UpstreamAddress, of name: String, meaning: String) {
        if upstream.scheme == .http, !upstream.isLoopback, !settings.upstreamPlaintext {
            refuse(
                name, "\(upstream) would get the token in clear; use https, or accept that with upstream_plaintext")
        }
        let isOwn = settings.listen.contains { $0.port == upstream.port && ($0.isLoopback || $0.isEvery) }
        if upstream.isLoopback, isOwn {
            let remedy =
                isOfClients(name)
                ? ". HF_ENDPOINT is meant for clients: `unset HF_ENDPOINT` in this shell, or give the Hub's address in HUBGATE_UPSTREAM"
                : "; give the address of \(meaning)"
            refuse(name, "\(upstream) is this gateway itself\(remedy)")
        }
    }

    private mutating func checkSigningKey() {
        var (name, what) = ("signing_key", "")
        if let path = settings.signingKeyFile, let content = fileContent(of: name, at: path) {
            do throws(Secret.Flaw) {
                settings.signingKey = try Secret(file: content)
                choose(name, chosen["signing_key_file"])
                (name, what) = ("signing_key_file", path.shown + " ")
            } catch {
                return refuse("signing_key_file", "the key in \(path.shown) \(error)")
            }
        }
        guard let key = settings.signingKey, key.count < Self.shortestKey else { return }
        refuse(
            name,
            "\(what)has \(key.count) characters; \(Self.shortestKey) or more are needed: openssl rand -base64 32")
    }

    private static let shortestKey = 32

}

/// Values from files of their own.
extension SettingsReading {
    /// The content of the file that `NAME_file` names, where that gives the setting `name`: of the two the one from the stronger source counts.
    /// Nil where the file does not count, or cannot be read, which is then noted.
    mutating func fileContent(of name: String, at path: String) -> [UInt8]? {
        let fileName = name + "_file"
        guard let file = chosen[fileName] else { return nil }
        if let value = chosen[name] {
            guard value.place != file.place else {
                refuse(fileName, "\(name) is given too (\(value.provenance)); give one of them")
                return nil
            }
            if value.place > file.place { return nil }
        }
        return content(at: path, for: fileName)
    }

    /// Nil where the file cannot be read, which is then noted for the setting `name`.
    mutating func content(at path: String, for name: String) -> [UInt8]? {
        switch files(path) {
        case .bytes(let content): return content
        case .absent: refuse(name, "there is no file \(path.shown)")
        case .failed(let reason): refuse(name, "\(path.shown) cannot be read: \(reason)")
        }
        return nil
    }
}
