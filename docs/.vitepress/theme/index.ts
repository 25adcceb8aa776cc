import DefaultTheme from 'vitepress/theme-without-fonts';
import './site.css';

/** The theme of VitePress with the fonts of the reader's system. */
export default DefaultTheme;
