/// What runs a space.
public enum SpaceSDK: String, Hashable, Sendable, CaseIterable {
    case gradio, streamlit, docker, `static`
}
