from webui.stubs import prevent

prevent()
