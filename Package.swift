// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Of targets whose small functions others call for each request: their bodies are seen across the border.
let inlined: [SwiftSetting] = strict + [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]

/// Files of the console and of the home page, which a C file embeds, and that no compiler reads by itself.
let pageFiles = [
    "console.html", "console.css", "base.js", "charts.js", "page-now.js", "page-budget.js", "page-usage.js",
    "page-keys.js", "page-audit.js", "page-cache.js", "page-health.js", "start.js", "home.html", "home.css", "home.js",
]

let package = Package(
    name: "hubgate",
    products: [.executable(name: "hubgate", targets: ["Server"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    ],
    targets: [
        .target(
            name: "CEvent",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [
                "mimalloc", "event_core", "event_extra", "event_openssl", "curl", "cares", "ssl", "crypto", "yaml",
                "seccomp",
            ].map { .linkedLibrary($0) }
        ),
        .target(
            name: "ConsoleFiles", exclude: pageFiles,
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror", "-Wno-c23-extensions"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "HTTP", swiftSettings: inlined),
        .target(name: "Hub", dependencies: ["HTTP"], swiftSettings: inlined),
        .target(name: "EventIO", dependencies: ["CEvent", "HTTP"], swiftSettings: inlined),
        .target(name: "Sandbox", dependencies: ["Hub", "HTTP"], swiftSettings: strict),
        .executableTarget(
            name: "Server",
            dependencies: [
                "Sandbox", "EventIO", "Hub", "HTTP", "CSQLite", "ConsoleFiles",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP"], swiftSettings: strict),
        .testTarget(name: "HubTests", dependencies: ["Hub", "HTTP"], swiftSettings: strict),
        .testTarget(
            name: "ServerTests", dependencies: ["Server", "Sandbox", "EventIO", "CEvent", "Hub", "HTTP"],
            swiftSettings: strict),
    ]
)
