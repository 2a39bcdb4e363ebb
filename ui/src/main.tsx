import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app';
import { startLive, stopLive } from './live';
import { appearance, askWho, may, who } from './state';
import { language } from './text/text';
import './style/base.css';
import './style/shell.css';
import './style/parts.css';
import './style/pages.css';
import './style/connections.css';

effect(() => {
  document.documentElement.lang = language.value;
});
effect(() => {
  if (appearance.value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = appearance.value;
});
effect(() => {
  if (who.value.state === 'member' && may('conversations.read')) startLive();
  else if (who.value.state !== 'asking') stopLive();
});

const root = document.getElementById('app');
if (root) render(<App />, root);
void askWho();
